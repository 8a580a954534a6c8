// Lengths, sizes, ages and moments as a person reads them, in the browser's locale. Making an Intl formatter costs
// more than using it a hundred times, so they are made once for each locale and kept (bounded).

export type Formats = {
  /** The BCP 47 tag in use, for `lang` attributes. */
  readonly locale: string;
  /** `1:02:09`, `4:05`; milliseconds in. */
  duration(ms: number): string;
  /** `610 MB`, `2.2 GB`; decimal units, as disks are sold. */
  size(bytes: number): string;
  /** `3 days ago`, `yesterday`. */
  age(atMs: number, nowMs: number): string;
  /** The exact moment, in UTC and saying so: the server does not know where its viewer is. */
  moment(atMs: number): string;
  /** `1,234` */
  count(count: number): string;
  /** `62 %`; a share of 0 to 1 in, rounded down so that 100 % means done. */
  share(share: number): string;
};

/** `1:02:09` for 3,729,000 ms; minutes always, hours where there are any. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = `${String(seconds % 60).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

const sizeUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

const ageUnits: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** Formatters of one locale. */
export function createFormats(locale: string): Formats {
  const whole = sizeUnits.map(
    (unit) => new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 0 }),
  );
  const tenths = sizeUnits.map(
    (unit) => new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 }),
  );
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const count = new Intl.NumberFormat(locale);
  // CLDR's short form says “0 byte” in English; “0 kB” is right in every locale.
  const nothing = whole[1]!.format(0);
  const percent = new Intl.NumberFormat(locale, { style: 'percent' });
  const moment = new Intl.DateTimeFormat(locale, {
    ...{ year: 'numeric', month: 'long', day: 'numeric' },
    ...{ hour: 'numeric', minute: '2-digit', timeZone: 'UTC', timeZoneName: 'short' },
  });
  return {
    locale,
    duration: formatDuration,
    size(bytes) {
      if (bytes === 0) return nothing;
      let value = bytes;
      let unit = 0;
      while (value >= 999.5 && unit < sizeUnits.length - 1) {
        value /= 1000;
        unit += 1;
      }
      const isFine = unit >= 3 ? value < 100 : unit > 0 && value < 10;
      return (isFine ? tenths : whole)[unit]!.format(value);
    },
    age(atMs, nowMs) {
      const pastMs = Math.max(0, nowMs - atMs);
      for (const [unit, unitMs] of ageUnits) {
        if (pastMs >= unitMs) return relative.format(-Math.floor(pastMs / unitMs), unit);
      }
      return relative.format(0, 'second');
    },
    moment: (atMs) => moment.format(atMs),
    count: (value) => count.format(value),
    share: (share) => percent.format(Math.floor(share * 100) / 100),
  };
}

/** Locales kept at once; a household speaks fewer, and a client that invents them must not fill the memory. */
const maxLocales = 16;

/** Finds the formats for an Accept-Language header (RFC 9110 §12.5.4), English where it names nothing usable. */
export function createFormatsByLanguage(): (acceptLanguage: string | undefined) => Formats {
  const known = new Map<string, Formats>();
  return (acceptLanguage) => {
    const locale = localeOf(acceptLanguage);
    let formats = known.get(locale);
    if (!formats) {
      formats = createFormats(locale);
      if (known.size >= maxLocales) known.delete(known.keys().next().value!);
      known.set(locale, formats);
    }
    return formats;
  };
}

function localeOf(acceptLanguage: string | undefined): string {
  for (const entry of (acceptLanguage ?? '').slice(0, 200).split(',')) {
    const tag = entry.split(';', 1)[0]!.trim();
    if (!/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}$/.test(tag)) continue;
    const [supported] = Intl.NumberFormat.supportedLocalesOf(tag);
    if (supported) return supported;
  }
  return 'en';
}
