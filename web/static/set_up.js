// Proposes the browser's own time zone on the set-up page; a person can still choose another.

const zone = document.querySelector('input[name="time_zone"]');
if (zone && !zone.value) {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
}
