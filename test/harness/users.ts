/** Steps of a test as another user, where root runs it: what root may do says nothing about others. */
export const isRoot = process.geteuid?.() === 0;

/** A user that no file of this machine knows. */
export const NOBODYS_UID = 54321;

export function as<T>(uid: number, action: () => T): T {
  process.seteuid!(uid);
  try {
    return action();
  } finally {
    process.seteuid!(0);
  }
}

/** As a user that is not root, in any case. */
export function asOrdinaryUser<T>(action: () => T): T {
  return isRoot ? as(NOBODYS_UID, action) : action();
}
