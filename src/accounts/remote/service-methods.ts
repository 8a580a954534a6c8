// What of the port to people is answered over HTTP to the other processes of this Kinora, and how: one table for both
// ends. `setupCode` is not in it: the code is for the console of the process that keeps the accounts.
import type { Accounts } from '../accounts.ts';

export { secretHeader } from '../../service-secret.ts';

/** Below it a name of the table, by POST, with the arguments as a JSON array. */
export const servicePath = '/service/accounts/';

/** Most bytes of a question and of an answer: a page of the audit log is some 100 kB. */
export const mostQuestionBytes = 1_000_000;
export const mostAnswerBytes = 8_000_000;

/** Arguments of the longest method, with room. */
export const mostArguments = 8;

export type ServiceMethod = Exclude<keyof Accounts, 'setupCode' | 'revision' | 'sharedRevision' | 'close'>;

/**
 * `read`: changes nothing, so it may be asked again after a broken connection. `act`: may change something, but takes
 * nothing away from anybody; `again`: the same, and done twice it does no harm. `end`: somebody may be less, or nobody,
 * afterwards.
 */
export const serviceMethods: Readonly<Record<ServiceMethod, 'read' | 'act' | 'again' | 'end'>> = {
  identify: 'read',
  identifyNamed: 'again',
  renew: 'again',
  doors: 'read',
  signUp: 'act',
  signIn: 'again',
  proveSecondFactor: 'act',
  signOut: 'end',
  startOpenId: 'again',
  handle: 'act',
  startDevice: 'again',
  pollDevice: 'act',
  answerDevice: 'act',
  findDevice: 'read',
  askReset: 'act',
  resetPassword: 'end',
  judgePassword: 'read',
  getPerson: 'read',
  confirmPassword: 'again',
  changePassword: 'end',
  listSessions: 'read',
  endSessions: 'end',
  startTwoFactor: 'act',
  confirmTwoFactor: 'end',
  stopTwoFactor: 'end',
  renewRecoveryCodes: 'act',
  listPasskeys: 'read',
  removePasskey: 'end',
  listTokens: 'read',
  addToken: 'act',
  removeToken: 'end',
  listPeople: 'read',
  changePerson: 'end',
  removePerson: 'end',
  addPerson: 'act',
  makeResetToken: 'act',
  invite: 'act',
  listInvites: 'read',
  removeInvite: 'act',
  findInvite: 'read',
  listAudit: 'read',
  ping: 'read',
};

/** Whether a text is one of the table's own names (`constructor` is not). */
export function isServiceMethod(name: string): name is ServiceMethod {
  return Object.hasOwn(serviceMethods, name);
}

/** What `POST /service/accounts/revision` answers with: the same text for as long as nothing has changed, from whichever process that keeps the same accounts. */
export type RevisionAnswer = { readonly revision: string };
