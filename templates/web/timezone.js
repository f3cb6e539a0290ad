// Chooses the visitor's own time zone in a sign-up form; without it they choose one themselves.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const choice = document.getElementById("timezone");

if (zone && choice) {
  if (![...choice.options].some((option) => option.value === zone)) choice.add(new Option(zone, zone));
  choice.value = zone;
}
