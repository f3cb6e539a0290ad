// Completes the last name in the list of authors from those of the stored papers.
const MIN_CHARS = 3;
const PAUSE = 200; // milliseconds without a key
const field = document.querySelector("input[data-complete]");
const names = document.getElementById(field?.getAttribute("list"));
let timer = 0;

async function complete() {
  const typed = field.value;
  const start = typed.lastIndexOf(",") + 1;
  const word = typed.slice(start).trim();
  if (word.length < MIN_CHARS) return;
  const response = await fetch(`${field.dataset.complete}?q=${encodeURIComponent(word)}`);
  if (!response.ok || field.value !== typed) return;
  const before = start ? `${typed.slice(0, start)} ` : "";
  const found = await response.json();
  names.replaceChildren(...found.names.map((name) => new Option("", before + name)));
}

field?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(complete, PAUSE);
});
