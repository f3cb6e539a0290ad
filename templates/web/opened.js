// Only on a paper's page for readers who asked that opening teaches: tells the digest that a person is here.
// A mail scanner opens pages too, but it neither points nor types nor scrolls.
const SIGNS = ["pointermove", "pointerdown", "touchstart", "keydown", "wheel"];
const told = new AbortController();

function tell() {
  told.abort();
  navigator.sendBeacon(location.pathname);
}

for (const sign of SIGNS) addEventListener(sign, tell, { passive: true, signal: told.signal });
