/**
 * Words that code in a database made (`RAISE`, a Redis script): values stand in them in ways that no rule can tell, and the
 * application's error carries them to every span that records it.
 */
export const UNSAID = 'raised by code in the database';

const MOST = 32;
/** Shorter words are hidden only where they stand alone: they occur in others by chance. */
const TELLING_LENGTH = 6;
const noted = new Set<string>();

/** From now on {@link hideUnsaid} hides it. The oldest are forgotten. */
export function noteUnsaid(words: string | undefined): void {
  if (words === undefined || words === '' || words === UNSAID) return;
  noted.delete(words);
  noted.add(words);
  for (const oldest of noted) {
    if (noted.size <= MOST) break;
    noted.delete(oldest);
  }
}

export function hideUnsaid(text: string): string {
  if (noted.size === 0) return text;
  let result = text;
  for (const words of noted) {
    if (words.length < TELLING_LENGTH ? result === words : result.length >= words.length && result.includes(words)) result = result.replaceAll(words, UNSAID);
  }
  return result;
}
