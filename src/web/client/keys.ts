// Keys of every page: `?` shows them all, `/` goes to the search.

/** Whether keys typed there are text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'file', 'range'].includes(target.type);
}

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === '?') {
      const dialog = document.querySelector<HTMLDialogElement>('dialog#keys');
      if (dialog?.open) dialog.close();
      else dialog?.showModal?.();
      event.preventDefault();
    } else if (event.key === '/') {
      const field = document.querySelector<HTMLInputElement>('.search input');
      if (!field) return;
      field.focus();
      field.select();
      event.preventDefault();
    }
  });
}
