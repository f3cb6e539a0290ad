"""Who may do what by a link alone? Signed, purpose-bound tokens and every URL that a mail carries.

A token reads `KEY.PID.MAC`, `KEY.PID.EXTRA.MAC` or `KEY.PID.EXTRA.EXPIRY.MAC`. It is the same for the same
arguments, so that a preview equals the mail sent, and short, so that no mailer folds the header it stands in.
"""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from digest.mail.tokens import Keys, Purpose, verdicts


@dataclass(frozen=True)
class Links:
    """Every URL of ours that a reader can follow."""

    base_url: str
    keys: Keys

    def confirm(self, pid: str, *, expires: datetime, extra: str = "") -> str:
        """Where a sign-up (or, with `extra`, a new address) is confirmed."""
        return self._tokened(Purpose.CONFIRM, pid, extra, expires=expires)

    def unsubscribe(self, pid: str) -> str:
        """The one-click link of the header and the footer; it never expires."""
        return self._tokened(Purpose.UNSUBSCRIBE, pid)

    def preferences(self, pid: str) -> str:
        """Where interests, frequency and everything else are changed."""
        return self._tokened(Purpose.PREFERENCES, pid)

    def more(self, pid: str, paper_id: str) -> str:
        """More like this: the claim's extra is `+` and the paper's id."""
        return self._tokened(Purpose.VERDICT, pid, verdicts(paper_id)[0])

    def less(self, pid: str, paper_id: str) -> str:
        """Less like this: the claim's extra is `-` and the paper's id."""
        return self._tokened(Purpose.VERDICT, pid, verdicts(paper_id)[1])

    def opening(self, pid: str, paper_id: str) -> str:
        """A paper's page for a reader whom opening may teach: the claim's extra is the paper's id."""
        return self._tokened(Purpose.OPENING, pid, paper_id)

    def opening_form(self, extra: str, *, pid: str, seal: str) -> str:
        """What `opening` looks like, for pieces that are filled in later."""
        return f"{self.base_url}/o/{self.keys.form(pid, extra, seal)}"

    def verdict_form(self, extra: str, *, pid: str, seal: str) -> str:
        """What `more` and `less` look like, for pieces that are filled in later."""
        return f"{self.base_url}/v/{self.keys.form(pid, extra, seal)}"

    def feed(self, pid: str, kind: str = "atom") -> str:
        """The private feed, `atom` or `json`."""
        return f"{self._tokened(Purpose.FEED, pid)}.{kind}"

    def edition(self, pid: str, day: date) -> str:
        """This reader's edition of that day, on the web: the claim's extra is the date."""
        return self._tokened(Purpose.EDITION, pid, day.isoformat())

    def archive(self, day: date | None = None) -> str:
        """The public archive, or one day of it."""
        return f"{self.base_url}/archive/{day}" if day else f"{self.base_url}/archive"

    def page(self, path: str = "/") -> str:
        """Any other page of ours."""
        return self.base_url + quote(path)

    def _tokened(
        self, purpose: Purpose, pid: str, extra: str = "", *, expires: datetime | None = None
    ) -> str:
        return f"{self.base_url}/{purpose.value}/{self.keys.sign(purpose, pid, extra, expires=expires)}"
