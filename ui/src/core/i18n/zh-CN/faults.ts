import type { Message } from '../message';
import type { faults as en } from '../en/faults';

export const faults: Readonly<Record<keyof typeof en, Message>> = {
  'fault.empty': '文件为空',
  'fault.not_an_image': '不是图像，或文件开头已损坏',
  'fault.unsupported_image': '不支持此类图像：请转换为 JPEG、PNG、BMP、WebP 或 8 位 TIFF',
  'fault.damaged': '图像已损坏',
  'fault.too_large': '文件过大',
  'fault.hidden': '隐藏文件',
  'fault.image_left_out': '对应的图像未导入',
  'fault.no_images': '其中没有图像。支持 JPEG、PNG、BMP、WebP 和 8 位 TIFF。',
};
