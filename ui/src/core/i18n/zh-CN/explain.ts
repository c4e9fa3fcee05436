import type { Message } from '../message';
import type { explain as en } from '../en/explain';

export const explain: Readonly<Record<keyof typeof en, Message>> = {
  'explain.why': '为什么',
  'explain.why_hint': '显示模型在图像的哪里看到某个类别',
  'explain.ask': '为什么是 {label}？{name}',
  'explain.title': '为什么是 {label}？',
  'explain.class': '要查看的类别',
  'explain.about': '显示依据的类别',
  'explain.predicted': '预测',
  'explain.actual': '真实类别',
  'explain.layer': '层',
  'explain.opacity': '不透明度',
  'explain.scale': '对该类别的依据，0 到 1，相对于图像中最强的位置',
  'explain.heat': '热力图：模型在哪里看到 {label}',
  'explain.read': '颜色越亮，该位置越支持 {label}。',
  'explain.nothing': '在这一层，图像中没有支持 {label} 的位置。',
  'explain.busy': '正在询问模型…',
  'explain.method': 'Grad-CAM，{rows} × {columns} 个位置',
  'explain.open': '打开原图',
};
