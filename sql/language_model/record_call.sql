-- Purpose: keeps what was asked, what came of it and what it cost; the database says when.
-- Grain: one row. Parameters: its columns by name.
INSERT INTO dft.llm_calls (
    run_id, kind, prompt_name, prompt_version, prompt_hash, model, parameters, question_hash, input_hash, input,
    answer, outcome, reason, tokens_in, tokens_out, cost, latency_s, attempts
)
VALUES (
    %(run_id)s, %(kind)s, %(prompt_name)s, %(prompt_version)s, %(prompt_hash)s, %(model)s, %(parameters)s,
    %(question_hash)s, %(input_hash)s, %(input)s, %(answer)s, %(outcome)s, %(reason)s, %(tokens_in)s,
    %(tokens_out)s, %(cost)s, %(latency_s)s, %(attempts)s
)
