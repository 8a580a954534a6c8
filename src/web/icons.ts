// The icons, drawn for this project on a 24-unit square with one stroke width. Inline, so that none arrives late;
// they never carry meaning alone, so assistive technology does not see them.

const shapes = {
  videos: '<rect x="3" y="5" width="18" height="14" rx="3"/><path d="M10.5 9.2v5.6l4.6-2.8z"/>',
  cameras: '<rect x="2.5" y="7" width="13" height="10" rx="2.5"/><path d="m15.5 10.8 6-3v8.4l-6-3"/>',
  upload:
    '<path d="M12 15.5v-11M7.5 8.5 12 4l4.5 4.5M4 15v2.5A2.5 2.5 0 0 0 6.5 20h11a2.5 2.5 0 0 0 2.5-2.5V15"/>',
  settings:
    '<path d="M4 7.5h9M18 7.5h2M4 16.5h2M11 16.5h9"/><circle cx="15.5" cy="7.5" r="2.3"/><circle cx="8.5" cy="16.5" r="2.3"/>',
  add: '<path d="M12 5v14M5 12h14"/>',
  search: '<circle cx="10.8" cy="10.8" r="6.3"/><path d="m15.5 15.5 4.7 4.7"/>',
  play: '<path d="M8 5.5v13l10.5-6.5z"/>',
  download: '<path d="M12 4.5v11M7.5 11 12 15.5 16.5 11M4.5 19.5h15"/>',
  link: '<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"/>',
  rename: '<path d="m4.5 19.5 1-4.2L16.2 4.6a1.9 1.9 0 0 1 2.7 0l.5.5a1.9 1.9 0 0 1 0 2.7L8.7 18.5z"/>',
  bin: '<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 11a1.8 1.8 0 0 0 1.8 1.7h5.8a1.8 1.8 0 0 0 1.8-1.7l.8-11"/>',
  restore: '<path d="M5 5v5h5M5.3 10A7.3 7.3 0 1 1 4.7 14"/>',
  back: '<path d="M14.5 6 8.5 12l6 6"/>',
  warning: '<path d="M12 4 21 19.5H3zM12 10v4.2M12 16.9v.1"/>',
  sound:
    '<path d="M9 17.5V6l10-2v11.5"/><circle cx="6.5" cy="17.5" r="2.5"/><circle cx="16.5" cy="15.5" r="2.5"/>',
  speaker: '<path d="M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.3a8 8 0 0 1 0 11.4"/>',
  film: '<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M7.5 5v14M16.5 5v14M3 12h18"/>',
  noSignal:
    '<path d="m3.5 4 17 16M8 7h5.5A2.5 2.5 0 0 1 15.5 9.5v2M15.5 16a2.5 2.5 0 0 1-2 1h-8A2.5 2.5 0 0 1 3 14.5v-5A2.5 2.5 0 0 1 4 7.5M17 10l4.5-2.2v8.4L19 15"/>',
  folder:
    '<path d="M3 8V6.5A1.5 1.5 0 0 1 4.5 5h4l2.2 2.5H19A2 2 0 0 1 21 9.5v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"/>',
  star: '<path d="m12 4 2.4 5 5.5.7-4 3.8 1 5.5-4.9-2.7L7.1 19l1-5.5-4-3.8 5.5-.7z"/>',
  tick: '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
  people:
    '<circle cx="9" cy="8.5" r="3.2"/><path d="M3 19c.3-3.5 2.8-5.5 6-5.5s5.7 2 6 5.5M15.5 5.6a3.2 3.2 0 0 1 0 5.8M17.5 14c2 .7 3.3 2.4 3.5 5"/>',
  pick: '<rect x="4" y="4" width="16" height="16" rx="4"/><path d="m8 12.3 3 3 5-6"/>',
  move: '<path d="M3 8V6.5A1.5 1.5 0 0 1 4.5 5h4l2.2 2.5H19A2 2 0 0 1 21 9.5v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM8.5 13.2h7M13 10.5l2.7 2.7-2.7 2.7"/>',
  clip: '<circle cx="6.5" cy="6.5" r="2.5"/><circle cx="6.5" cy="17.5" r="2.5"/><path d="M8.5 8 20 17M8.5 16 20 7"/>',
  more: '<circle cx="5.5" cy="12" r=".8"/><circle cx="12" cy="12" r=".8"/><circle cx="18.5" cy="12" r=".8"/>',
  person: '<circle cx="12" cy="8.2" r="3.9"/><path d="M4.5 20a7.6 7.6 0 0 1 15 0"/>',
  list: '<path d="M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4.5 6.5v.1M4.5 12v.1M4.5 17.5v.1"/>',
  key: '<circle cx="8" cy="15.5" r="4"/><path d="m11 12.6 8.5-8.5M16 7.6l3 3M13.4 10.2l1.8 1.8"/>',
  phone: '<rect x="7" y="3" width="10" height="18" rx="2.4"/><path d="M11 18h2"/>',
  television: '<rect x="3" y="5" width="18" height="12" rx="2.2"/><path d="M8.5 20.5h7"/>',
  leave: '<path d="M14 4.5H7A2.5 2.5 0 0 0 4.5 7v10A2.5 2.5 0 0 0 7 19.5h7M10 12h10.5M16.5 8l4 4-4 4"/>',
} as const;

export type IconName = keyof typeof shapes;

/** The icon's SVG, ready to be put into a page. */
export function icon(name: IconName): string {
  return `<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">${shapes[name]}</svg>`;
}
