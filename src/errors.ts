/** How otel-run itself ends when the command never ran, as `docker run`, `timeout` and `env` do. */
export const ExitCode = { ok: 0, failed: 125, notExecutable: 126, notFound: 127 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * A failure that its reader can do something about: what is wrong, where it came from, what to do.
 * Printed as it is, without a stack. Any other error is a bug of ours.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;
  readonly hint: string | null;

  constructor(exitCode: ExitCode, message: string, hint: string | null = null) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** By name: what is loaded later brings a copy of the class. */
export function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === 'UserError';
}
