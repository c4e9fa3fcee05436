import type { Message } from '../message';
import type { projects as en } from '../en/projects';

export const projects: Readonly<Record<keyof typeof en, Message>> = {};
