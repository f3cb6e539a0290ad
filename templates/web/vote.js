// Votes without leaving the page. The links of a mail open a page with data-press: it presses the button that
// was meant as soon as a person is there. A mail scanner opens pages too, but it neither points nor types.
const SIGNS = ["pointermove", "pointerdown", "touchstart", "keydown", "wheel"];

async function send(form) {
  const box = form.closest(".vote");
  if (box.dataset.sending) return;
  box.dataset.sending = "yes";
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const answer = page.querySelector(".vote");
  if (!response.ok || !answer) return form.submit();
  box.replaceWith(document.adoptNode(answer));
  answer.querySelector("[role=status]")?.focus();
}

addEventListener("submit", (event) => {
  if (!event.target.closest(".vote")) return;
  event.preventDefault();
  send(event.target);
});

const meant = document.querySelector(".vote[data-press] form");
if (meant) {
  const pressed = new AbortController();
  const press = (event) => {
    if (event.target.closest?.(".vote")) return; // they press a button themselves
    pressed.abort();
    if (meant.isConnected) send(meant);
  };
  addEventListener("submit", () => pressed.abort(), { signal: pressed.signal });
  for (const sign of SIGNS) addEventListener(sign, press, { passive: true, signal: pressed.signal });
}
