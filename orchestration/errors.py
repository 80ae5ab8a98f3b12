"""The one kind of error a user is meant to read, and what servers mean when they refuse."""

# What servers say when they refuse, and what it means; their own words may hold a name.
REFUSALS = {
    "password authentication failed": "it refused the user or the password",
    "access denied": "it refused the user or the password",
    "permission denied": "its user may not read all of it",
    "command denied": "its user may not read all of it",
    "unknown database": "it has no database of that name",
    "does not exist": "it has no database or user of that name",
    "no pg_hba.conf entry": "it lets nobody in from here",
    "timeout": "it did not answer in time",
    "timed out": "it did not answer in time",
    "connection refused": "nothing listens there",
    "name or service not known": "there is no such host",
    "failed to resolve host": "there is no such host",
    "nodename nor servname": "there is no such host",
}


class FlowgrainError(Exception):
    """Something the user can put right: one line saying what and where, one saying the remedy.

    The text never holds a value of a source, for it may reach logs.
    """

    def __init__(self, what: str, remedy: str, *, rule: str | None = None) -> None:
        """Keep the parts; `rule` is the code of the grain-floor rule that spoke, if one did."""
        self.what = what
        self.remedy = remedy
        self.rule = rule
        head = f"GL-{rule} {what}" if rule else what
        super().__init__(f"{head}. {remedy}")


class BusyError(FlowgrainError):
    """Another flowgrain process is at work here; the same command will do once it has ended."""


def why_refused(error: BaseException) -> str | None:
    """Say what a database server means by its error, or None where that is not known."""
    text = str(error).lower()
    return next((words for mark, words in REFUSALS.items() if mark in text), None)
