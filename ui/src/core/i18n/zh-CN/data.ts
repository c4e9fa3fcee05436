import type { Message } from '../message';
import type { data as en } from '../en/data';

export const data: Readonly<Record<keyof typeof en, Message>> = {};
