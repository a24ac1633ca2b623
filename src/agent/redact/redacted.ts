/** Stands where something was. */
export const REDACTED = 'REDACTED';
