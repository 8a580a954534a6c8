// Who watches, as long as there are no accounts.

/** Everybody goes on watching where anybody stopped. */
export const householdId = 'household';
