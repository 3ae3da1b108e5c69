// Reading a bar code or QR code by the camera, where the browser can: what it says goes into the note.
// What is told stands with the button, in the language of the page.

const LOOK_MS = 250;

export async function easeScanning() {
  const button = document.getElementById("scan");
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  const formats = await BarcodeDetector.getSupportedFormats();
  if (!formats.length) return;
  const detector = new BarcodeDetector({ formats });
  const view = document.getElementById("scan-view");
  const video = view.querySelector("video");
  const told = document.getElementById("scan-told");
  const note = document.getElementById("note");
  let stream = null;

  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    view.hidden = true;
  };
  const look = async () => {
    if (!stream) return;
    const found = video.readyState >= video.HAVE_CURRENT_DATA ? await detector.detect(video) : [];
    if (!stream) return;
    if (!found.length) {
      setTimeout(look, LOOK_MS);
      return;
    }
    stop();
    const before = note.value.trimEnd();
    note.value = `${before ? `${before}\n` : ""}${button.dataset.code}${found[0].rawValue}`.slice(0, note.maxLength);
    told.textContent = button.dataset.found;
    note.focus();
  };

  button.hidden = false;
  button.addEventListener("click", async () => {
    told.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      told.textContent = button.dataset.noCamera;
      return;
    }
    video.srcObject = stream;
    view.hidden = false;
    await video.play();
    look();
  });
  document.getElementById("scan-stop").addEventListener("click", stop);
  // A camera that nobody looks through costs the battery.
  document.addEventListener("visibilitychange", () => document.hidden && stop());
}
