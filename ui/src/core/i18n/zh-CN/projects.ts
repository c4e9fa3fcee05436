import type { Message } from '../message';
import type { projects as en } from '../en/projects';

export const projects: Readonly<Record<keyof typeof en, Message>> = {
  'projects.title': '项目',
  'projects.new': '新建项目…',
  'projects.create': '创建项目',
  'projects.create_text': '一个项目包含同一任务的数据集和模型。新项目会带有一个同名的空数据集。',
  'projects.name_hint': '检测的对象，例如“瓷砖缺陷”。',
  'projects.try_sample': '试用示例项目',
  'projects.task': '任务',
  'task.classification': '单标签分类',
  'task.multilabel_classification': '多标签分类',
  'task.classification.hint': '每张图像恰好属于一个类别，例如合格或破损。',
  'task.multilabel_classification.hint': '一张图像可以同时有多个类别，也可以没有，例如划痕和污渍。',
  'projects.sample_text': '血细胞图像，离线几分钟即可完成训练',
  'projects.empty': '从一个项目开始',
  'projects.empty_text':
    '把图像文件夹拖到窗口任意位置，或新建空项目，也可以先看看示例：真实的血细胞照片，可直接标注和训练。所有数据都留在本机。',
  'projects.search': '搜索项目',
  'projects.no_match': '没有匹配的项目',
  'projects.open': '打开 {name}',
  'projects.menu': '{name} 的更多操作',
  'projects.edited': '{ago}更改',
  'projects.no_images': '暂无图像',
  'projects.rename': '重命名项目',
  'projects.delete': '删除项目',
  'projects.delete_title': '删除项目“{name}”？',
  'projects.delete_stays':
    '会保留：它的数据集（{datasets}）、其中的 {samples}以及模型（{models}）。它们仍在库中，可以关联到其他项目。',
  'projects.delete_goes': '只会移除项目本身。此操作无法撤销。',
  'projects.deleted': '项目“{name}”已删除；其数据集和模型已保留',
};
