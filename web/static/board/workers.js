// The workers that the map knows: who they are by `/board/map.json`, and where by the frames of
// `web/board/positions.py`, which are read as they come, some thousand workers at a time.

const HEAD = 8;
const WORKER = 20;
const PLACED = 1;
const MOVING = 2;

export class Workers {
  constructor() {
    this.placed = [];
    this.byIndex = new Map();
  }

  find(id) {
    return this.placed.find((worker) => worker.id === id);
  }

  /** Take up who is there, as objects of JSON. */
  take(workers) {
    for (const worker of workers) {
      worker.placed = true;
      const known = this.byIndex.get(worker.index);
      // A frame may have said more since this was asked.
      if (known?.id === worker.id && known.placed && known.seen > worker.seen) {
        const { at, heading, moving, seen } = known;
        Object.assign(worker, { at, heading, moving, seen });
      }
    }
    this.placed = workers;
    this.byIndex = new Map(workers.map((worker) => [worker.index, worker]));
  }

  /** Another run of the hub counts its workers anew: until they are taken up, none is known. */
  forget() {
    this.byIndex.clear();
  }

  /** Take up a frame (a DataView). What it says: `shown`, whether anything of it lies or lay where
      `isShown(at)` says that it is seen, and `strange`, whether it names somebody unknown. */
  move(frame, isShown) {
    const now = frame.getFloat64(0, true);
    let shown = false;
    let strange = false;
    let others = false;
    for (let offset = HEAD; offset + WORKER <= frame.byteLength; offset += WORKER) {
      const worker = this.byIndex.get(frame.getUint32(offset, true));
      const flags = frame.getUint8(offset + 18);
      const placed = (flags & PLACED) !== 0;
      if (!worker) {
        strange ||= placed;
        continue;
      }
      const at = [frame.getInt32(offset + 4, true) / 1e7, frame.getInt32(offset + 8, true) / 1e7];
      const heading = frame.getInt16(offset + 16, true);
      shown ||= isShown(worker.at) || (placed && isShown(at));
      others ||= placed !== worker.placed;
      worker.placed = placed;
      if (placed) worker.at = at;
      worker.heading = heading < 0 ? null : heading;
      worker.moving = (flags & MOVING) !== 0;
      worker.seen = now - frame.getUint32(offset + 12, true);
    }
    if (others) this.placed = [...this.byIndex.values()].filter((worker) => worker.placed);
    return { shown, strange };
  }
}
