// Buttons that copy what stands in the field beside them; they are hidden where the browser cannot.
"use strict";
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.done;
    });
  }
}
for (const field of document.querySelectorAll(".copied")) field.addEventListener("focus", () => field.select());
