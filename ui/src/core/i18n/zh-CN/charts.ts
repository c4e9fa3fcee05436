import type { Message } from '../message';
import type { charts as en } from '../en/charts';

export const charts: Readonly<Record<keyof typeof en, Message>> = {
  'charts.copy_csv': '复制为 CSV',
  'charts.save_png': '保存为图片',
  'charts.copied': '已复制 {n} 行',
  'charts.copy_failed': '剪贴板拒绝访问。请点击窗口后重试。',
  'charts.reset_zoom': '显示全程',
  'charts.hint': '拖动可放大，双击显示全程',
  'charts.empty': '暂无数值',
  'charts.reading': '{x}：{values}',
  'charts.epoch': '轮次',
  'charts.epoch_at': '第 {n} 轮',
};
