// Only on the waiting page: finds the number that proves some work, so that nobody has to wait.
"use strict";
addEventListener("DOMContentLoaded", async () => {
  const form = document.getElementById("again");
  const bits = Number(form.dataset.work);
  if (!bits || !globalThis.crypto?.subtle) return;
  const ticket = form.elements.ticket.value;
  const encoder = new TextEncoder();
  for (let answer = 0; ; answer++) {
    const hash = new DataView(await crypto.subtle.digest("SHA-256", encoder.encode(ticket + ":" + answer)));
    if (hash.getUint32(0) >>> (32 - bits) === 0) {
      form.elements.work.value = answer;
      return;
    }
  }
});
