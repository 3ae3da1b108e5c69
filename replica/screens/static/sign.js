// Signing with a finger: what is drawn becomes a picture, black on white, and is saved as a file of the job.

const WIDTH = 1200;
const HEIGHT = 600;
const PEN = 5;

export function easeSigning() {
  const canvas = document.getElementById("signature");
  if (!canvas) return;
  const form = document.getElementById("sign-form");
  const save = form.querySelector("button[type=submit]");
  const pen = canvas.getContext("2d");
  let drawn = false;

  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    drawn = false;
    save.disabled = true;
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * WIDTH) / box.width, ((event.clientY - box.top) * HEIGHT) / box.height];
  };

  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  pen.lineWidth = PEN;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#000";
  clear();

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    // A slow phone tells several places at once.
    for (const each of event.getCoalescedEvents?.() ?? [event]) pen.lineTo(...at(each));
    pen.stroke();
    drawn = true;
    save.disabled = false;
  });
  document.getElementById("sign-again").addEventListener("click", clear);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!drawn) return;
    save.setAttribute("aria-busy", "true");
    const who = form.elements.who.value.trim();
    const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const body = new FormData();
    body.append("file", picture, `${form.dataset.name}${who ? ` ${who}` : ""}.png`);
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      location.assign(answer.url);
    } catch {
      // What was drawn stands still: nothing was saved, and it can be tried again.
      save.removeAttribute("aria-busy");
      document.getElementById("sign-fault").hidden = false;
      delete form.dataset.sent;
    }
  });
}
