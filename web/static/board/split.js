// The bar between the table and what stands beside it: dragged by pointer or moved by arrow keys,
// and remembered on this machine.

const KEY = 'fieldlog-board-side';
const SIDE_PX_MIN = 288;
const TABLE_PX_MIN = 320;
const STEP_PX = 24;

/** Wire the splitter `bar` of `board`; `moved` is called when the widths have changed. */
export function wireSplit(board, bar, moved) {
  function room() {
    const rail = board.querySelector('.rail').getBoundingClientRect().width;
    return board.getBoundingClientRect().width - rail - bar.getBoundingClientRect().width;
  }

  function set(width) {
    const most = room() - TABLE_PX_MIN;
    if (most < SIDE_PX_MIN) return;
    const side = Math.round(Math.min(Math.max(width, SIDE_PX_MIN), most));
    board.dataset.sized = '';
    board.style.setProperty('--side', `${side}px`);
    bar.setAttribute('aria-valuenow', String(Math.round(100 - (100 * side) / room())));
    localStorage.setItem(KEY, String(side));
    moved();
  }

  function now() {
    return board.querySelector('.side').getBoundingClientRect().width;
  }

  bar.addEventListener('pointerdown', (event) => {
    bar.setPointerCapture(event.pointerId);
    bar.classList.add('dragging');
    const from = event.clientX;
    const width = now();
    const drag = (moving) => set(width + from - moving.clientX);
    bar.addEventListener('pointermove', drag);
    bar.addEventListener('pointerup', () => {
      bar.removeEventListener('pointermove', drag);
      bar.classList.remove('dragging');
    }, { once: true });
  });
  bar.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    set(now() + (event.key === 'ArrowLeft' ? STEP_PX : -STEP_PX));
  });
  bar.addEventListener('dblclick', () => {
    delete board.dataset.sized;
    localStorage.removeItem(KEY);
    moved();
  });
  const kept = Number(localStorage.getItem(KEY));
  if (kept) set(kept);
}
