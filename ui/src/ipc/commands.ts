/** What each command takes and gives. One object in, one object out; path and query places are fields too. */
export type { CommandName, RequestOf as Request, ResponseOf as Response } from './generated/commands';

/** Where imported files are: paths of this machine (the window) or an upload (the browser). */
export type ImportSource = { path?: string; paths?: string[]; upload_id?: string };
