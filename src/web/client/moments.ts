// The server writes exact moments in UTC; the browser knows better where it is.

/** Gives every age under `root` its moment in the viewer's own time zone as a title. */
export function localizeMoments(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>('time[title]')) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = moment.toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'short' });
  }
}
