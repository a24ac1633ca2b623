export interface Contender {
  readonly name: string;
  readonly traced: boolean;
  /** What its backend must speak. */
  readonly protocol: 'otlp' | 'datadog';
  /** A capability of Node that it cannot do without. */
  readonly needs: string | null;
  /** The module that is loaded before the application, or null. */
  readonly preload: string | null;
  /** Words in front of a command. */
  launcher(node: string): string[];
  /** Runs `node ...args`. */
  command(node: string, args: readonly string[]): string[];
  env(port: number): Record<string, string>;
}

export const contenders: readonly Contender[];
export const signalContenders: readonly Contender[];
