"""The one kind of error a user is meant to read."""


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
