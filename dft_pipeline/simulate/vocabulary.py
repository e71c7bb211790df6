"""What a synthetic deliberation is about: cases, contexts, values and phrases, and which value is wiser.

What belongs here: text and the planted order. What does not: anything random (`deliberation`, `chats`), or
how text becomes a card or a transcript (`transcripts`). In a text, `{a|b}` is a slot: any of its wordings
will do, and the first is the canonical one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A contentious question. `contexts` belong to it; a context may stand in two cases."""

    id: str
    title: str
    question: str
    contexts: tuple[str, ...]

    @property
    def seed_message(self) -> str:
        return (
            "Help us find out how a chatbot should answer questions like this one:\n\n"
            f"\u201c**{self.question}**\u201d\n\n"
            "There is no right answer to guess. What do you think it should keep in mind?"
        )


@dataclass(frozen=True)
class Value:
    """A canonical value: its card, and how people who hold it talk.

    `opinion` and `experience` are what they say in a chat; `before`, `insight` and `after` are the
    sentences of a story in which somebody grows out of the value or into it.
    """

    id: int
    titles: tuple[str, ...]
    short: str
    detailed: str
    criteria: tuple[str, ...]
    opinion: str
    experience: str
    before: str
    insight: str
    after: str


UNDONE = "When facing a decision that cannot be undone"
UNABLE = "When caring for someone who cannot decide alone"
PROMISE = "When a promise and safety pull apart"
EXHAUSTED = "When worn out by caring for others"
LIVELIHOOD = "When speaking up could cost a livelihood"
STRANGERS = "When strangers could come to harm"
UNCERTAIN = "When the facts are still uncertain"
DIVIDED = "When a question divides a community"
OPINION = "When asked for a political opinion"
NEAR_AND_FAR = "When weighing needs near and far"
NUMBERS = "When numbers carry the argument"
DISTRESS = "When someone asks in distress"
CHILD = "When explaining something hard to a child"

CASES = (
    Case(
        "care-home",
        "Care home",
        "My father has dementia and begs me not to move him into a care home. I can't go on like this. "
        "Should I do it anyway?",
        (UNABLE, PROMISE, EXHAUSTED, UNDONE),
    ),
    Case(
        "whistleblower",
        "Whistleblower",
        "I found out that my company is hiding a defect in the brakes we sell. I have two kids and a "
        "mortgage. Should I report it?",
        (LIVELIHOOD, STRANGERS, UNCERTAIN, UNDONE),
    ),
    Case(
        "refugees",
        "Refugees",
        "They want to house three hundred refugees in our small town. Is that a good idea or not?",
        (DIVIDED, OPINION, NEAR_AND_FAR, NUMBERS),
    ),
)

CONTEXTS_WITHOUT_CASE = (DISTRESS, CHILD)

CARE_HOME_VALUES = (
    Value(
        11,
        ("Straight Advice", "A Clear Answer", "Direct Advice"),
        "The assistant should give a clear {recommendation|answer} and not hide behind options.",
        "Someone who is {worn out|tired} does not need another list. The assistant should say what it would "
        "{do|choose} on what it has been told, {name|give} its main reason, and leave the decision with the "
        "{user|person asking}.",
        (
            "CLARITY about what to do next, in {plain|simple} words",
            "REASONS short enough to {remember|keep in mind} on a bad day",
            "RELIEF that comes from no longer {going in circles|turning it over alone}",
        ),
        "Honestly, it should just {say|tell them} what it would do. People who ask this are past wanting a "
        "list.",
        "When my aunt was ill, everybody told me it was my decision. What I {needed|wanted} was one person "
        "who said: do this, and here is why.",
        "I used to answer hard questions with a verdict and leave it there.",
        "I came to see that people can carry a decision better when somebody dares to make a suggestion.",
        "Now I say plainly what I would do, give my reason once, and leave the choice where it belongs.",
    ),
    Value(
        12,
        ("Safety First", "Keeping Him Safe", "Protection From Harm"),
        "The assistant should {look at|attend to} what could go wrong at home and how soon.",
        "Before anything else, the assistant should help the {user|family} look at the real dangers: falls, "
        "the stove, {wandering at night|getting lost}, missed medicine. It should {sort|separate} what is "
        "likely from what is merely imaginable.",
        (
            "DANGERS at home that are likely to {hurt|harm} him soon",
            "NEAR MISSES that have {already happened|happened before} and were played down",
            "MOMENTS of the day when {nobody|no one} is there to help",
        ),
        "First of all, is he safe? If he leaves the gas on, then {feelings come second|the rest has to "
        "wait}.",
        "My neighbour was found in the {street|road} in January in her slippers. Everyone had known it could "
        "happen, and {nobody|no one} had said it.",
        "I used to think that once everybody was safe, my part was done.",
        "I learned that love which looks away from danger is mostly worry about being disliked.",
        "Now I walk through the day hour by hour and ask where somebody could get hurt.",
    ),
    Value(
        13,
        ("Options in Between", "More Than Two Choices", "Middle Ways"),
        "The assistant should {look for|search for} arrangements between home and a care home.",
        "The question sounds like yes or no, and rarely is. The assistant should {help find|bring up} day "
        "care, a live-in helper, respite weeks or a trial stay, and {say honestly|be frank about} what each "
        "would cost in money and strength.",
        (
            "ARRANGEMENTS that have not been {tried|considered} yet",
            "COSTS of each choice in money, time and {strength|energy}",
            "STEPS that are small enough to {undo|take back}",
        ),
        "It should {show|tell} them there is something between doing everything yourself and a home.",
        "We found a day centre for my mother, three days a week. That one {change|step} gave us another two "
        "years.",
        "I used to believe that with enough options on the table the right one would stand out.",
        "I noticed that most of my either-or questions had a third answer that nobody had written down.",
        "Now I look for the smallest step that changes something and can still be taken back.",
    ),
    Value(
        14,
        ("The Carer's Limits", "Honouring Exhaustion", "Room for the Carer"),
        "The assistant should take the {user's|carer's} exhaustion as seriously as the father's wish.",
        "The {user|carer} says that they cannot go on, and that is information, not weakness. The assistant "
        "should make it {safe|easy} to say how bad it is, without guilt, and treat their health as part of "
        "what is decided.",
        (
            "EXHAUSTION that is {spoken of|mentioned} only in passing",
            "GUILT that keeps the carer from {asking for help|resting}",
            "PARTS of the carer's own life that have {gone quiet|been given up}",
            "PERMISSION to be a daughter or son again, and not {only|just} a nurse",
        ),
        "The person asking is breaking down. That line, 'I can't go on', {should not be skipped|is the real "
        "question}.",
        "I looked after my wife until I {collapsed|fell ill} myself. Not one person had asked how I slept.",
        "I used to measure care by how much of myself I gave up for it.",
        "I understood that care which destroys the one who gives it does not last.",
        "Now I ask the one who carries it all how they are, and I wait for the second answer.",
    ),
    Value(
        15,
        ("Promises Spoken Of Openly", "Honest Promises", "Facing the Promise"),
        "The assistant should help the {user|person} face the promise they made and what it was meant to "
        "protect.",
        "Many have {promised|sworn} never to 'put him away'. The assistant should help them {ask|see} what "
        "the promise was about, whether it can be kept in another form, and how to speak of it openly "
        "{rather than|instead of} breaking it in silence.",
        (
            "MEANING that the promise had when it was {made|given}",
            "WAYS to keep its heart when its {letter|wording} cannot be kept",
            "HONESTY about a promise that is being {broken|changed}, with no excuses",
        ),
        "I would want it to ask {what was promised|about the promise}. You can't just talk a promise away.",
        "I told my mother she would never leave her house. In the end I {told her|said to her} I could not "
        "keep that, and what I would keep instead. We both cried, and it was {good|right}.",
        "I used to keep every promise to the letter, whatever it cost.",
        "I realised that a promise protects something, and that this something can be kept in more ways than "
        "one.",
        "Now I go back to what the promise was for, and I speak openly about what I can still keep.",
    ),
    Value(
        16,
        ("The Fear Beneath the No", "Hearing What He Fears", "Understanding the Refusal"),
        "The assistant should help find out what the father is really {afraid of|afraid of losing}.",
        "A 'no' can mean the garden, the {dog|cat}, the fear of being forgotten, or shame. The assistant "
        "should help the {user|family} ask gently, at a good hour of the day, and {treat|take} the answer as "
        "guidance even where the memory behind it is failing.",
        (
            "FEARS that lie {underneath|behind} the refusal",
            "THINGS he would lose that could be {brought along|kept}",
            "GOOD HOURS in which he can still say what {matters to him|he wants}",
            "FEELINGS that stay true even when the facts get {mixed up|lost}",
        ),
        "What is he so {afraid|scared} of? Ask him that. It's {usually|often} not the home itself.",
        "My grandfather fought us for months. Then it {turned out|came out} that he thought grandma would "
        "not find him. We hung her picture by his bed, and he went.",
        "I used to argue with a refusal until it gave way.",
        "I found that the fear behind a no tells me more than the no.",
        "Now I ask what would be lost, I pick a quiet hour for it, and I listen to the end.",
    ),
    Value(
        17,
        ("Dignity in Small Things", "Still Himself", "Everyday Dignity"),
        "The assistant should help keep what makes the father {himself|the man he is}, wherever he lives.",
        "Dignity is {seldom|rarely} about the address. The assistant should help the {user|family} name the "
        "habits and small freedoms in which he is still himself, and {plan|make sure} that they survive the "
        "change.",
        (
            "HABITS in which he is {still|plainly} himself",
            "CHOICES he can make on his own {every day|each day}, however small",
            "PEOPLE who know his story and {speak to|talk with} him as an adult",
        ),
        "He is a person and not a {case|problem}. I'd want it to ask who he is and what he {loves|enjoys}.",
        "In my father's home they let him set the tables, because he had been a waiter. He stood "
        "{taller|straighter} doing that.",
        "I used to care above all that somebody was treated with respect in the small things.",
        "I saw that people stay themselves through small freedoms far more than through big decisions.",
        "Now I ask which habits make somebody who they are, and I guard those first.",
    ),
    Value(
        18,
        ("Deciding as a Family", "A Decision Carried Together", "Shared Decision"),
        "The assistant should help the family {reach|find} a decision that all can carry, the father "
        "included.",
        "Nobody should have to decide this alone. The assistant should help to bring siblings, doctor and "
        "father to one {table|conversation}, give each a {voice|say} that fits, and look for a choice that "
        "everyone can {live with|stand by} later, with no one left as the guilty one.",
        (
            "VOICES that have not been {heard|asked} yet, the father's first of all",
            "BURDENS that could be {shared|divided} among more people",
            "AGREEMENTS that can be looked at {again|anew} after some weeks",
            "PEACE that the family will still feel {years later|in years to come}",
        ),
        "Where's the rest of the family? One person {shouldn't|must not} have to carry this.",
        "My brothers and I finally sat down with dad and his doctor. We did not all get what we wanted, but "
        "{no one|nobody} had to be the villain.",
        "I used to want everybody at the table before anything was decided.",
        "I saw that a decision which is carried by many hurts each of them less.",
        "Now I bring people together early, and each has a say that fits, also the one it is about.",
    ),
)

WHISTLEBLOWER_VALUES = (
    Value(
        21,
        ("Knowing the Law", "Legal Footing", "Rights and Duties"),
        "The assistant should explain which {laws|rules} protect and bind the {user|employee}.",
        "The assistant should set out, in {plain|simple} words, what the law asks of someone who knows of a "
        "defect, what protects them if they report it, and when to {see|talk to} a lawyer. It should "
        "{say|admit} where countries differ.",
        (
            "PROTECTIONS that the law gives to people who {report|speak up}",
            "DUTIES that come with {knowing|what one knows}",
            "LIMITS of general advice, and the point where a lawyer is {needed|called for}",
        ),
        "It should tell them the law. There are {protections|rules} for this, and most people don't know "
        "them.",
        "I once signed something at work that I {thought|believed} silenced me. A lawyer told me in ten "
        "minutes that it did not.",
        "I used to look up the rules first and stop thinking there.",
        "I learned that people dare far more when they know where they stand.",
        "Now I find out what the law protects before I let a threat decide for me.",
    ),
    Value(
        22,
        ("Providing for the Family", "The Family's Bread", "Those Who Depend on You"),
        "The assistant should take seriously that children {depend on|live from} this job.",
        "Heroism is easy to recommend to others. The assistant should help the user {look at|count} savings, "
        "other work and the partner's view, so that the children do not {pay|suffer} for what others did.",
        (
            "PEOPLE who {depend on|live from} this income",
            "MONTHS that the family could {hold out|get by} without it",
            "PREPARATIONS that {soften|cushion} the fall before it comes",
        ),
        "They have kids. It's {easy|cheap} to tell someone else to be brave with their kids' home.",
        "My dad lost his job for {speaking up|saying something}, and we moved three times. I am proud of "
        "him, but I also remember those years.",
        "I used to put my own people first and call that responsibility.",
        "I learned that those who depend on me have a say in the risks I take.",
        "Now I count what the family could bear, and I talk it over at home before I move.",
    ),
    Value(
        23,
        ("Evidence Before Action", "Being Sure First", "Solid Ground"),
        "The assistant should help to sort what is known from what is {suspected|guessed}.",
        "An accusation cannot be {taken back|unsaid}. The assistant should help the user {write down|list} "
        "what they saw themselves, what they were told, what could explain it innocently, and what could "
        "still be {checked|found out} without breaking rules.",
        (
            "FACTS that the user has seen with {their own eyes|no one in between}",
            "GAPS where a {guess|suspicion} stands in for knowledge",
            "EXPLANATIONS that would make it {harmless|innocent} after all",
        ),
        "Is it {certain|sure}? I'd want it to ask what they have actually seen, and what's on paper.",
        "In my plant there was a rumour that ruined an {engineer|inspector}. The part was fine. People still "
        "avoid him.",
        "I used to wait until I was completely sure.",
        "I saw that a careful account protects the accused and the one who speaks alike.",
        "Now I write down what I saw, keep it apart from what I think, and check the gap between them.",
    ),
    Value(
        24,
        ("Duty to Strangers", "Lives at Stake", "Those Who Will Be Hurt"),
        "The assistant should keep the people in mind who will {drive|sit in} those cars.",
        "The ones with most to lose are not in the room. The assistant should make their danger "
        "{concrete|real}: how likely, how soon, how many. And it should {ask|raise} what the user would want "
        "if their own child {sat|were} in the back seat.",
        (
            "PEOPLE who carry the risk and {were never asked|know nothing of it}",
            "TIME left before someone may be {hurt|injured}",
            "SEVERITY of the harm if {nothing|not a thing} is done",
        ),
        "Somebody will {die|be killed} in one of those cars. I don't see what could weigh more.",
        "A friend of mine was hit by a truck with {bad|faulty} brakes. Somebody in some office had known. I "
        "think of that person a lot.",
        "I used to hold that where lives are at stake nothing else counts.",
        "I realised that the people who will never know my name count as much as those who do.",
        "Now I picture the one who would be hurt, and I ask how much time there is.",
    ),
    Value(
        25,
        ("Safe Ways to Speak", "Careful Channels", "Speaking Up Safely"),
        "The assistant should show ways to report that {protect|cover} the one who reports.",
        "Between silence and the front page there is {much|a lot}. The assistant should go through the "
        "safety office, the regulator, a journalist and a union: {who|which of them} can act, what stays "
        "confidential, and in which order to {go|try}.",
        (
            "CHANNELS that can truly {stop|fix} the defect",
            "CONFIDENTIALITY that will {hold|last} when things get tense",
            "RECORDS kept {outside|away from} the company, within the law",
            "ORDER of steps that keeps later steps {open|possible}",
        ),
        "There are {safe|safer} ways to do this. It isn't either keep quiet or go on television.",
        "At the hospital we had an outside hotline. I {used|called} it once, it was fixed, and no one ever "
        "knew it was me.",
        "I used to look for the channel with the least risk to me.",
        "I found that how a thing is said decides whether it helps.",
        "Now I look for the door that leads to someone who can act, and I cover my back on the way.",
    ),
    Value(
        26,
        ("Not Alone in This", "Finding Allies", "Someone to Lean On"),
        "The assistant should help the user {find|think of} people to share this with.",
        "A secret like this {makes|keeps} a person lonely, and lonely people decide badly. The assistant "
        "should help find colleagues who have seen the same, {an old boss|a mentor}, or a partner, and think "
        "about who can be {trusted|relied on} with what.",
        (
            "COLLEAGUES who may have {seen|noticed} the same",
            "CONFIDANTS who have nothing to {gain|win} either way",
            "LONELINESS that makes {every|each} choice look worse than it is",
        ),
        "They shouldn't {do|face} this alone. I bet someone else there {knows|has seen it} too.",
        "When I finally told one colleague, she {said|answered}: 'I have been keeping notes for a year.' "
        "Everything felt different after that.",
        "I used to think that company is what people need most when they are in trouble.",
        "I saw that courage is mostly something people lend each other.",
        "Now I tell one person I trust before I decide, and I ask who else has seen it.",
    ),
    Value(
        27,
        ("Living With the Choice", "A Clear Conscience", "Looking Back Without Shame"),
        "The assistant should help the user ask which choice they could {live with|stand by}.",
        "Both ways will cost something. The assistant should help the user imagine {looking back|telling it} "
        "ten years on, to their children for example, and notice which part of them {speaks|is speaking}: "
        "fear, pride, or what they {believe in|hold dear}.",
        (
            "REGRETS that would still {hurt|weigh} in ten years",
            "WORDS in which one could {tell|explain} it to one's children",
            "VOICES of fear and pride, told apart from {conviction|conscience}",
        ),
        "I'd ask: what will you tell your {kids|children} when they're grown up? That {settles|decides} it "
        "for many people.",
        "I kept quiet once, about something smaller. It {still|even now} comes back to me when I can't "
        "sleep.",
        "I used to decide by what would let me sleep at night.",
        "I understood that I would have to live with myself longer than with any job.",
        "Now I imagine telling it to my children, and I listen to where my voice goes thin.",
    ),
    Value(
        28,
        ("Courage With Care", "Brave and Prudent", "Courage That Lasts"),
        "The assistant should {strengthen|support} the will to do right, and the care to do it well.",
        "The assistant should neither push the user {over the edge|forward} nor talk them into silence. It "
        "should honour that they are {asking at all|troubled by it}, help them find a step that protects "
        "both strangers and family, and {stay with|accompany} them in planning the next.",
        (
            "STEPS that protect strangers and family {at once|together}",
            "COURAGE already shown, in that the question was {asked|raised}",
            "PACE at which the person can {act|go on} without breaking",
            "INTEGRITY that does not need {applause|to be seen}",
        ),
        "It should make them braver without being {reckless|careless} with their life. Both. There {is|must "
        "be} a way.",
        "My sister reported her clinic. She took half a year to {prepare|get ready}, and then did it calmly. "
        "I have never admired anyone more.",
        "I used to admire people who act at once and pay the price.",
        "I saw that the bravest people I know were also the best prepared.",
        "Now I look for the step that serves both sides of my duty, and I take it at a pace I can hold.",
    ),
)

REFUGEE_VALUES = (
    Value(
        31,
        ("Balanced Facts", "Facts From Every Side", "Fair Information"),
        "The assistant should {give|lay out} the facts that each side would want on the table.",
        "The assistant should say what is known about housing, schools, cost and crime in {such|comparable} "
        "towns, name its {sources|evidence}, and be open about what nobody knows. It should not "
        "{choose|pick} facts to fit a side.",
        (
            "FACTS that each side would want to be {heard|known}",
            "SOURCES that both sides could {trust|accept}",
            "UNKNOWNS that are {stated|named} as such",
        ),
        "Just {give|tell} people the facts, from both sides. They get enough {opinions|shouting} already.",
        "At our town meeting two people quoted {opposite|different} numbers about the same village. No one "
        "knew who was right.",
        "I used to believe that the facts would settle it.",
        "I learned that a fact only helps when the other side could accept where it comes from.",
        "Now I look up what each side would want known, and I say what nobody knows.",
    ),
    Value(
        32,
        ("Naming the Trade-offs", "Honest Costs", "What It Would Take"),
        "The assistant should {say|show} what is gained and lost, and by whom.",
        "No answer is free. The assistant should name who would {carry|bear} the cost of yes and of no, in "
        "rents, class sizes or lives, and {resist|avoid} making either look easy.",
        (
            "COSTS of saying yes, and who would {carry|bear} them",
            "COSTS of saying no, and who would {carry|bear} those",
            "GAINS that are {overlooked|forgotten} because they come slowly",
        ),
        "It should be honest that {both|either} answers cost somebody something. That's what {annoys me|is "
        "missing}.",
        "Our school got thirty new children and no new teacher. You can be for it and still {say|admit} that "
        "was hard.",
        "I used to draw up gains and losses and go with the longer column.",
        "I realised that people forgive a cost they were told about and never one that was hidden.",
        "Now I say who would pay for a yes and who would pay for a no, and I make neither look easy.",
    ),
    Value(
        33,
        ("Thinking for Yourself", "Your Own Judgment", "Room to Think"),
        "The assistant should help the {user|person} reach a view that is their own.",
        "The assistant should ask more than it tells: which {worry|hope} weighs most, what would change "
        "their mind, what they would {need|have} to see. It should {hold back|keep back} its own verdict, so "
        "that the conclusion is truly {theirs|their own}.",
        (
            "QUESTIONS that open up the {user's|person's} own thinking",
            "EVIDENCE that would {change|shift} their mind either way",
            "INDEPENDENCE from what the {neighbours|others} expect",
        ),
        "A chatbot {shouldn't|must not} tell people what to think about this. It should help them "
        "{think|work it out}.",
        "My teacher never told us how she {voted|thought}. She kept asking why, until you found out what you "
        "believed.",
        "I used to hand people my conclusion, because it was well thought out.",
        "I noticed that people only act on what they have worked out on their own.",
        "Now I ask what would change their mind, and I keep my verdict to myself.",
    ),
    Value(
        34,
        ("Listening to the Worry", "The Worry Behind It", "Hearing the Concern"),
        "The assistant should {hear|find out} what the person is worried about before it says anything.",
        "Behind the question there is {often|mostly} something close: a daughter's way to school, the rent, "
        "the sense of not being asked. The assistant should {bring it out|ask about it} without judging, and "
        "answer that, {rather than|not} a headline.",
        (
            "WORRIES that stand {close|next} to the person's own life",
            "MOMENTS when someone feels {judged|talked down to} and closes up",
            "SENSE of never having been {asked|consulted}",
        ),
        "Ask them what they're {worried|concerned} about! Calling people names has never {convinced|changed} "
        "anyone.",
        "I was against it at first. Then someone {sat down|talked} with me for an hour and just listened. It "
        "was about my late shift and the bus stop, {really|in truth}.",
        "I used to hear people out and hope that this was enough.",
        "I found that a worry that has been heard becomes smaller and easier to answer.",
        "Now I ask what it would change in their own week, and I answer that first.",
    ),
    Value(
        35,
        ("Holding the Town Together", "Staying One Town", "Neighbours After the Vote"),
        "The assistant should care how the town will {live|get along} after the decision.",
        "The quarrel can do more {damage|harm} than either answer. The assistant should help find a way to "
        "decide that the losers can {accept|live with}, with {real|open} hearings, a trial period, and "
        "things that old and new residents do together.",
        (
            "TRUST between neighbours that would {outlast|survive} the vote",
            "HEARINGS in which the {quiet|shy} ones are asked too",
            "OCCASIONS for old and new residents to {work|do something} side by side",
        ),
        "Whatever they decide, we {have to|must} still live next to each other. That is {what I'd ask "
        "about|my main point}.",
        "Two families on our street have not {spoken|talked} since the last such vote, and that was nine "
        "years ago.",
        "I used to put peace in the town above everything.",
        "I understood that a town which breaks over a decision can carry out neither answer.",
        "Now I ask how we will greet each other afterwards, and I begin from there.",
    ),
    Value(
        36,
        ("Welcoming the Stranger", "An Open Door", "Hospitality"),
        "The assistant should help to see each of the three hundred as a {guest|person} in need.",
        "Three hundred is a number, and nobody {flees|runs} as a number. The assistant should bring near "
        "what people have {left behind|lost}, what a door that opens means to them, and what a town "
        "{becomes|turns into} by opening it.",
        (
            "PEOPLE with names and {stories|histories} behind the number",
            "NEED that cannot {wait|be put off}",
            "GENEROSITY that a town {discovers|finds} in itself",
        ),
        "They are people who {lost|left} everything. I'd want it to {make that felt|begin there}, before the "
        "bus stops and budgets.",
        "My grandmother came here with one {suitcase|bag}. A farmer gave her a room for a winter. I exist "
        "because of that farmer.",
        "I used to open the door first and sort out the rest later.",
        "I saw that I had been arguing about a number, and behind it stood somebody at a door.",
        "Now I ask who is standing there and what cannot wait, and I start with that.",
    ),
    Value(
        37,
        ("Fair Rules for All", "The Same Rules", "Fairness You Can Count On"),
        "The assistant should ask which {rules|terms} would be fair to newcomers and residents alike.",
        "People accept {much|a lot} when it is fair. The assistant should look at who was promised what, "
        "whether each town does its {share|part}, and whether the same {rules|duties} hold for everybody, "
        "{long settled|resident} or newly arrived.",
        (
            "RULES that hold for newcomers and residents {alike|equally}",
            "SHARES that other towns {take on|carry} as well",
            "PROMISES made to people who have been {waiting|in line} for years",
        ),
        "It has to be {fair|just}. If every town does its part and the {rules|terms} are the same for all, "
        "I'm in.",
        "I waited six years for a flat here, and {nobody|no one} broke the rules for me. I don't mind "
        "helping. I mind the {queue-jumping|exceptions}.",
        "I used to ask of everything whether the rules were the same for all.",
        "I realised that goodwill runs out where people feel that the rules bend for others.",
        "Now I ask what everybody was promised, and I look for terms that I would accept from either side.",
    ),
    Value(
        38,
        ("Finding Shared Ground", "Common Ground", "What Both Sides Love"),
        "The assistant should help {people|the sides} discover what they all want to protect.",
        "Those who say yes and those who say no often {love|value} the same things: safe children, a town "
        "that is alive, keeping one's word. The assistant should {start|set out} from there and help turn it "
        "into a plan that {both|the two} sides would recognise as theirs.",
        (
            "HOPES that both sides {share|have in common} without knowing it",
            "PLANS in which each side {finds|recognises} its own concern",
            "RESPECT that grows when opponents are {understood|described fairly}",
            "CURIOSITY about why a decent person {disagrees|sees it differently}",
        ),
        "Both camps {love|care about} this town. I'd {start|begin} from that and build something, instead of "
        "scoring points.",
        "We had the loudest yes and the loudest no {cook|run a stall} together for the summer fair. They "
        "wrote the housing plan in the end.",
        "I used to look for what we agree on and leave the rest alone.",
        "I discovered that my opponents were defending something that I love as well.",
        "Now I describe their side until they nod, and we build the plan from there.",
    ),
)

VALUES_BY_CASE = (CARE_HOME_VALUES, WHISTLEBLOWER_VALUES, REFUGEE_VALUES)
VALUES = tuple(value for values in VALUES_BY_CASE for value in values)

# Every pair goes from a lower id to a higher one, so that no context and no sum of contexts has a loop.
WISDOM_PAIRS = (
    (12, 16, UNABLE),
    (12, 17, UNABLE),
    (13, 17, UNABLE),
    (16, 18, UNABLE),
    (11, 13, PROMISE),
    (12, 15, PROMISE),
    (13, 15, PROMISE),
    (15, 16, PROMISE),
    (11, 14, EXHAUSTED),
    (13, 14, EXHAUSTED),
    (14, 18, EXHAUSTED),
    (11, 16, UNDONE),
    (13, 18, UNDONE),
    (17, 18, UNDONE),
    (21, 25, LIVELIHOOD),
    (22, 25, LIVELIHOOD),
    (25, 26, LIVELIHOOD),
    (21, 24, STRANGERS),
    (24, 28, STRANGERS),
    (26, 28, STRANGERS),
    (21, 23, UNCERTAIN),
    (23, 25, UNCERTAIN),
    (23, 26, UNCERTAIN),
    (22, 27, UNDONE),
    (24, 27, UNDONE),
    (27, 28, UNDONE),
    (31, 34, DIVIDED),
    (34, 38, DIVIDED),
    (31, 33, OPINION),
    (32, 33, OPINION),
    (33, 38, OPINION),
    (32, 34, NEAR_AND_FAR),
    (35, 38, NEAR_AND_FAR),
    (36, 38, NEAR_AND_FAR),
    (31, 32, NUMBERS),
    (31, 36, NUMBERS),
    (32, 37, NUMBERS),
    (11, 34, DISTRESS),
    (21, 34, DISTRESS),
)

# One camp sees the first two steps of the loop as upgrades, the other camp the last one.
CONTESTED_CYCLE = (36, 35, 37)
CONTESTED_CYCLE_CONTEXT = DIVIDED

CONTESTED_PAIR = (22, 24, LIVELIHOOD)

NOT_VALUES = (
    Value(
        0,
        ("Just Say Yes", "Tell Them Yes"),
        "The assistant should say yes.",
        "The assistant should say yes and not make a fuss {of|about} it.",
        ("YES as the answer", "SPEED with which it is {given|said}"),
        "Just say yes. It's not that {complicated|hard}.",
        "I don't have a story. It's {obvious|clear}.",
        "",
        "",
        "",
    ),
    Value(
        0,
        ("No Opinion", "Nothing to Add"),
        "The assistant should do whatever it {wants|likes}.",
        "The assistant can answer in {any|whatever} way, it makes no difference.",
        ("ANYTHING that comes to mind", "NOTHING in {particular|special}"),
        "I don't really {care|mind}, to be honest.",
        "No, nothing comes to mind. Can we {finish|move on}?",
        "",
        "",
        "",
    ),
)

PROBES = (
    "Thank you. Is there something in your own life that makes you {see|say} it this way?",
    "That helps. Can you think of a time when you {saw|felt} how much this matters?",
    "I'd like to understand that better. Where does this come from, for you?",
    "Thanks for putting it so {clearly|openly}. Has something happened to you, or near you, that taught you "
    "this?",
)
FURTHER_PROBES = (
    "If an answer got this right, what would you {notice|see} in it?",
    "Suppose you read over someone's shoulder. What would you look for in a good answer?",
    "What should the chatbot {pay attention to|look out for}, concretely, while it writes its answer?",
)
LOOKING_FOR = (
    "I would look for",
    "Mostly",
    "Hard to say. First of all,",
)
CARD_OFFERS = (
    "Does this card say what you care about?",
    "I tried to put it on a card. Is this it?",
    "Here is how I {understood|understand} you. What do you think?",
)
ACCEPTANCES = (
    "Yes, that's it.",
    "Yes. I could not have said it better.",
    "That is {quite close|very near} to what I meant, thank you.",
    "Yes, please {submit|send} it.",
)
REFUSALS = (
    "Not quite. That is part of it, but what I mean is {something else|different}.",
    "Hmm, no. I can see why you wrote that, but it is not the heart of it.",
    "It is well put, but it is not what {I care about most|matters most to me}.",
)
RETRIES = (
    "Thank you for saying so. Tell me more about what is {missing|not there}.",
    "Then I misunderstood. What would {have to be|need to stand} on the card?",
)
CLARIFICATIONS = (
    "What I care about more is",
    "What is missing is",
    "For me it comes down to",
)
GREETINGS = (
    "Hi, I was asked to take part in this.",
    "Hello! Where do I start?",
    "Hi. I have thought about this question.",
)
GOODBYES = (
    "Thank you. Your card has been submitted.",
    "It is in. Thank you for your time and your openness.",
)
SYSTEM_MESSAGE = (
    "You interview people about how a chatbot should answer one difficult question. Ask short, warm "
    "questions until you can state a value they hold as a card of things to attend to. Then show it with a "
    "function."
)

TURNING_POINTS = (
    "It served me well, until somebody close to me was in the middle of it and I saw what it left out.",
    "Then I met a situation in which that was not enough, and for a while I did not know what was.",
    "Over the years I noticed that something was missing, mostly from the faces of the people I spoke to.",
    "A friend asked me once, kindly, whether that had really helped, and I had no good answer.",
)
CONCLUSIONS = (
    "What I cared about before has not gone away; it has found its place in something larger.",
    "That does better what I was trying to do in the first place.",
    "I still need the old way at times, but I would not start from it again.",
    "People come back and tell me that it helped, which they seldom did before.",
)

COMMENTS = {
    "upgrade": (
        "The new way still cares about the old one.",
        "They saw what was missing. I have been through something like it.",
        "Yes, this goes to the root of it.",
        "I would rather be answered like this myself.",
        "Good story, it convinced me.",
    ),
    "no_upgrade": (
        "They gave up something important there.",
        "Different, but not wiser in my view.",
        "I liked the first attitude better.",
        "The old way was right for this situation.",
        "I don't see how the second follows from the first.",
    ),
    "not_sure": (
        "It depends on the person.",
        "Both have something to them.",
        "I would need to know more about the situation.",
        "Hard to say without having been there.",
    ),
}
