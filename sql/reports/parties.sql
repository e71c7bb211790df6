-- Purpose: the parties that people said they are of, for a person to choose from.
-- Grain: one row per party of fewest people or more.
-- Parameters: no_answer (an array of what stands for none), fewest (people; 5 for what is shown).
SELECT d."usPoliticalAffiliation" AS party
FROM "Demographic" AS d
WHERE d."usPoliticalAffiliation" <> ALL(%(no_answer)s)
GROUP BY d."usPoliticalAffiliation"
HAVING count(DISTINCT d."userId") >= %(fewest)s
ORDER BY d."usPoliticalAffiliation"
