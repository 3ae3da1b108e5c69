// What is worked out over all jobs is asked for when anything changed, but once a second in a storm.

const REST_MS = 1_000;
const FAILED_MS = 5_000;

/** A function that lets `run` run soon: at once after a rest, else at its end; where it fails, again.
    One after another: an answer that was long on its way is not shown over a newer one. */
export function paced(run) {
  let going = false;
  let asked = false;
  let ranAt = -Infinity;
  const rest = () => Math.max(0, ranAt + REST_MS - performance.now());
  const go = async (pause) => {
    going = true;
    await new Promise((done) => { setTimeout(done, pause); });
    asked = false;
    ranAt = performance.now();
    const failed = await run().then(() => false, () => true);
    if (failed) go(FAILED_MS);
    else if (asked) go(rest());
    else going = false;
  };
  return () => {
    asked = true;
    if (!going) go(rest());
  };
}
