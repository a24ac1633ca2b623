/** Whether somebody looks at this terminal, on a machine of their own: there traces are kept where no backend is configured. */
export function isDevelopersTerminal(
  { onTerminal, container }: { readonly onTerminal: boolean; readonly container: string | null },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const inCi = !/^(?:|0|false)$/i.test(env.CI ?? '');
  return onTerminal && !inCi && container === null && env.NODE_ENV !== 'production';
}
