"""Every URL that a mail carries. Those that act for a subscriber hold a signed token, see `tokens`."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from digest.mail.tokens import Keys, Purpose, encode_paper_id


@dataclass(frozen=True)
class Links:
    """URLs of the web pages, built from a base URL and signing keys."""

    base_url: str
    keys: Keys

    def confirm_url(self, public_id: str, *, expires: datetime, extra: str = "") -> str:
        """Return where a sign-up or, with `extra`, a new address is confirmed."""
        return self._signed_url(Purpose.CONFIRM, public_id, extra, expires=expires)

    def unsubscribe_url(self, public_id: str) -> str:
        """Return the one-click link of the header and the footer; it never expires."""
        return self._signed_url(Purpose.UNSUBSCRIBE, public_id)

    def preferences_url(self, public_id: str) -> str:
        """Return where interests, frequency and everything else are changed."""
        return self._signed_url(Purpose.PREFERENCES, public_id)

    def more_url(self, public_id: str, paper_id: str) -> str:
        """Return the link "More like this". All votes of a reader have one token; the paper follows it."""
        return f"{self._signed_url(Purpose.FEEDBACK, public_id)}/m/{encode_paper_id(paper_id)}"

    def less_url(self, public_id: str, paper_id: str) -> str:
        """Return the link "Less like this", with the token of `more_url`."""
        return f"{self._signed_url(Purpose.FEEDBACK, public_id)}/l/{encode_paper_id(paper_id)}"

    def opening_url(self, public_id: str, paper_id: str) -> str:
        """Return a paper's page for a reader whose clicks may teach: one token, then the paper."""
        return f"{self._signed_url(Purpose.OPENING, public_id)}/{encode_paper_id(paper_id)}"

    def feed_url(self, public_id: str, kind: str = "atom") -> str:
        """Return the private feed; *kind* is `atom` or `json`."""
        return f"{self._signed_url(Purpose.FEED, public_id)}.{kind}"

    def edition_url(self, public_id: str, day: date) -> str:
        """Return this reader's edition of that day on the web; the claim's extra is the date."""
        return self._signed_url(Purpose.EDITION, public_id, day.isoformat())

    def administration_url(self, public_id: str, links_used: int, *, expires: datetime) -> str:
        """Return where an administrator signs in; the claim's extra is how many such links they used."""
        return self._signed_url(Purpose.ADMINISTRATION, public_id, str(links_used), expires=expires)

    def archive_url(self, day: date | None = None) -> str:
        """Return the public archive, or one day of it."""
        return f"{self.base_url}/archive/{day}" if day else f"{self.base_url}/archive"

    def page_url(self, path: str = "/") -> str:
        """Return any other page of the site."""
        return self.base_url + quote(path)

    def _signed_url(
        self, purpose: Purpose, public_id: str, extra: str = "", *, expires: datetime | None = None
    ) -> str:
        return f"{self.base_url}/{purpose.value}/{self.keys.sign(purpose, public_id, extra, expires=expires)}"
