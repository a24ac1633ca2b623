import { displayWidth, fit } from './words.ts';

export type Style = 'plain' | 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** A piece of a line. Its text has been through {@link oneLine} where it came from outside. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}

/** Whether to colour what goes to a stream: https://no-color.org, FORCE_COLOR as Node reads it, else terminals that can. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env.NO_COLOR ?? '') !== '') return false;
  return isTerminal && env.TERM !== 'dumb';
}

/** The pieces in a row, cut at `width` columns. */
export function paintLine(pieces: readonly Piece[], { colour, width }: { readonly colour: boolean; readonly width: number }): string {
  let left = width;
  let line = '';
  for (const { text, style } of pieces) {
    if (left <= 0) break;
    const shown = fit(text, left);
    left -= displayWidth(shown);
    line += colour && codes[style] !== '' && shown.trim() !== '' ? `\x1b[${codes[style]}m${shown}\x1b[0m` : shown;
    if (shown !== text) break;
  }
  return line.trimEnd();
}

const codes: Readonly<Record<Style, string>> = { plain: '', bold: '1', dim: '2', red: '31', yellow: '33', green: '32', cyan: '36' };
