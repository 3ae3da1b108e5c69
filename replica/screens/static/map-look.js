// How the map looks: the screens' own colours, and the libraries' styles beneath ours.

/** What the browser computes for a colour of the screens' own, light or dark. */
export function colour(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.getElementById("map").append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A library's stylesheet, before ours, so that ours decides. */
export function loadStyle(href) {
  return new Promise((ready) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    for (const name of ["load", "error"]) link.addEventListener(name, ready);
    document.head.prepend(link);
  });
}
