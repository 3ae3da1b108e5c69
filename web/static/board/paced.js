// What is worked out over all jobs is asked for when anything changed, but once a second in a storm.

const REST_MS = 1_000;
const FAILED_MS = 5_000;

/** A function that lets `run` run soon: at once after a rest, else at its end; where it fails, again. */
export function paced(run) {
  let due = null;
  let ranAt = -Infinity;
  const follow = (pause) => {
    due ??= setTimeout(() => {
      due = null;
      ranAt = performance.now();
      run().catch(() => follow(FAILED_MS));
    }, pause);
  };
  return () => follow(Math.max(0, ranAt + REST_MS - performance.now()));
}
