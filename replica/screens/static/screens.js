// The pages work without this; with it they keep themselves fresh, count time and find as you type.
import { keepFresh } from "./live.js";
import { runClocks } from "./clocks.js";
import { easeForms } from "./forms.js";
import { easeScanning } from "./scan.js";
import { easeSigning } from "./sign.js";

runClocks();
easeForms();
easeSigning();
easeScanning();
if (document.getElementById("pill")) keepFresh();
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js");
