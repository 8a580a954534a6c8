// The menu of one's account goes away by Escape and by a press elsewhere, as menus do; without scripts it stays until
// its own button is pressed again.

export function startAccountMenu(): void {
  const menu = document.querySelector<HTMLDetailsElement>('details.account');
  if (!menu) return;
  document.addEventListener('pointerdown', (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    // Nobody else's: the page below stays as it is.
    event.preventDefault();
    menu.open = false;
    menu.querySelector('summary')?.focus();
  });
  menu.addEventListener('focusout', (event) => {
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}
