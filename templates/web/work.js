// Only on the waiting page: finds the number that proves some work, so that nobody has to wait.
const BATCH = 256;

async function leadingZeros(ticket, answer) {
  const text = new TextEncoder().encode(`${ticket}:${answer}`);
  return Math.clz32(new DataView(await crypto.subtle.digest("SHA-256", text)).getUint32(0));
}

async function work(ticket, bits) {
  for (let first = 0; ; first += BATCH) {
    const answers = Array.from({ length: BATCH }, (_, step) => first + step);
    const zeros = await Promise.all(answers.map((answer) => leadingZeros(ticket, answer)));
    const found = zeros.findIndex((count) => count >= bits);
    if (found >= 0) return answers[found];
  }
}

addEventListener("DOMContentLoaded", async () => {
  const form = document.getElementById("again");
  const button = form.querySelector("button");
  if (!globalThis.crypto?.subtle) return; // without https: waiting works too
  document.getElementById("patience").hidden = true;
  button.disabled = true;
  form.elements.work.value = await work(form.elements.ticket.value, Number(form.dataset.work));
  button.disabled = false;
});
