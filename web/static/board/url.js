// The board's state is its URL; this module reads it and changes it. Holds no DOM.

const PANE = ['job', 'do', 'at', 'for', 'near', 'at_for', 'radius', 'skill', 'minutes'];

/** The parameters of the current address. */
export function params(url = location.href) {
  return new URL(url, location.origin).searchParams;
}

/** The part of the query that says which jobs are shown, in what order: without the pane's. */
export function filterQuery(url = location.href) {
  const found = params(url);
  for (const name of [...PANE, 'show']) found.delete(name);
  return found.toString();
}

/** All of the query but the pane's: what is shown, in what order, and how. */
export function boardQuery(url = location.href) {
  const found = params(url);
  for (const name of PANE) found.delete(name);
  return found.toString();
}

/** The address with these parameters set; null takes one away. */
export function withParams(changes, url = location.href) {
  const next = new URL(url, location.origin);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  return next.pathname + next.search;
}

/** The address of a selection: a job, or what is done to it; nothing closes the pane. */
export function paneAddress({ job = null, doing = null, at = null } = {}) {
  return withParams({ job, do: doing, at, for: null, near: null, at_for: null, radius: null, skill: null, minutes: null });
}

/** Whether two addresses show the same jobs in the same order. */
export function sameFilter(one, other) {
  return filterQuery(one) === filterQuery(other);
}

/** The selected job's id, '' for none. */
export function selectedJob() {
  return params().get('job') ?? '';
}
