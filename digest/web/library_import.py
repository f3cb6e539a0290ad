"""What do the libraries lend that a reader named in the form? Asked before it is saved.

The page waits without holding a thread: a slow library costs its own reader some seconds, and others nothing.
Where we ask is fixed. A key is used for that one visit: it is in no page, no log and no store afterwards.
"""

from dataclasses import replace
from typing import Annotated

from anyio import to_thread
from fastapi import Depends
from starlette.datastructures import FormData

from digest import subscribers
from digest.models.errors import InvalidChange
from digest.sources.libraries.clients import LibraryAccounts
from digest.sources.libraries.request import Lent, named_in
from digest.web.context import WebContextDep
from digest.web.preferences_form import NOTHING_LENT, Form, PreferencesForm, reader_of

SAVES = {"", "save"}


async def borrowed(token: str, ctx: WebContextDep, form: Form) -> Lent:
    """The papers of the reader's libraries; nothing where none is named, or the form makes no sense."""
    wishes = PreferencesForm.typed(form)
    shelves = _shelves(wishes, form)
    if str(form.get("do", "")) not in SAVES or not shelves.apart():
        return NOTHING_LENT
    reader = await to_thread.run_sync(reader_of, ctx, token)
    try:
        subscribers.wished(reader, wishes.named(reader))
    except InvalidChange:
        return NOTHING_LENT  # nothing will be saved, and the page says why
    return await ctx.lenders.lend(reader.pid, shelves, ctx.clock())


def _shelves(wishes: PreferencesForm, form: FormData) -> LibraryAccounts:
    """The libraries in their fields, and those whose links were pasted among the papers."""
    pasted, _ = named_in(wishes.pasted)
    return replace(
        pasted,
        zotero=wishes.zotero,
        zotero_key=str(form.get("zotero_key", "")).strip(),
        orcid=wishes.orcid or pasted.orcid,
        author=wishes.author or pasted.author,
    )


Borrowed = Annotated[Lent, Depends(borrowed)]
