import type { Message } from '../message';
import type { settings as en } from '../en/settings';

export const settings: Readonly<Record<keyof typeof en, Message>> = {};
