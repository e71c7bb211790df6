"""What can go wrong outside, in words for whoever runs the project: one family of errors."""


class Problem(RuntimeError):
    """Something outside is not as it should be; the message says what, and how to go on."""


class BadSettings(Problem):
    """The environment says something that the project does not understand."""


class Passing(Problem):
    """What may pass by itself: a build tries it again after a while."""


class NoDatabase(Passing):
    """A database does not answer, or was lost; the message names it without its password."""


class Busy(Passing):
    """Others hold what is wanted, for a while."""


class NotAdmitted(Problem):
    """A database answers and does not let the project in; the message names it without its password."""


class OtherSchema(Problem):
    """A database's schema `dft` was made by other migrations than this version's, or by a newer one."""


class MissingSource(Problem):
    """The source has not the tables or columns that the project needs."""


class PartOfRun(Problem):
    """A run is the rest of an earlier one, of which nothing is left to go on from."""


class LakeProblem(Problem):
    """A file that should be in the lake is not, or cannot be reached."""


class UnjudgedGate(Problem):
    """A quality gate could not be judged; it neither holds nor fails."""


class RebuildFailed(Problem):
    """A snapshot could not be built again without somebody's data."""


class FolderTaken(Problem):
    """A folder that is to be written holds something else already."""
