import type { Message } from '../message';
import type { viewer as en } from '../en/viewer';

export const viewer: Readonly<Record<keyof typeof en, Message>> = {};
