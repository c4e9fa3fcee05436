import type { Message } from '../message';
import type { gpuPack as en } from '../en/gpu-pack';

export const gpuPack: Readonly<Record<keyof typeof en, Message>> = {
  'gpu_pack.title': 'GPU 组件包',
  'gpu_pack.text': '在 NVIDIA 显卡上训练所需的 NVIDIA 库。没有它们时，VisAIon 使用处理器计算。',
  'gpu_pack.helps': '此机器的驱动程序已就绪，但缺少这些库：组件包可以补齐。',
  'gpu_pack.no_gain': '此机器目前无法使用它；缺少的部分见上方。',
  'gpu_pack.unsupported':
    '没有适用于此类机器的组件包。请安装 NVIDIA 的 CUDA 13 工具包和 cuDNN 9，并在上方填写其文件夹。',
  'gpu_pack.installed': '已安装',
  'gpu_pack.not_installed': '未安装',
  'gpu_pack.damaged': '已损坏',
  'gpu_pack.partly': '已有 {done}，共 {total}',
  'gpu_pack.working': '{phase} {done}，共 {total}',
  'gpu_pack.phase.downloading': '正在下载',
  'gpu_pack.phase.unpacking': '正在解包',
  'gpu_pack.phase.checking': '正在校验',
  'gpu_pack.phase.copying': '正在复制',
  'gpu_pack.waiting': '等待开始',
  'gpu_pack.size': '下载 {download}，占用磁盘 {installed}',
  'gpu_pack.version': '{version} · {size}',
  'gpu_pack.update': '可以安装另一版本：{version}',
  'gpu_pack.damaged_text': '以下文件不正确：{files}。请重新安装组件包以修复。',
  'gpu_pack.contents': '包含的内容',
  'gpu_pack.download': '下载…',
  'gpu_pack.go_on': '继续…',
  'gpu_pack.repair': '重新下载…',
  'gpu_pack.from_file': '从文件安装…',
  'gpu_pack.from_folder': '从文件夹安装…',
  'gpu_pack.one_file':
    '请选择一个文件：组件包的 ZIP 文件，或一个 NVIDIA wheel 文件。多个文件请选择其文件夹。',
  'gpu_pack.verify': '校验',
  'gpu_pack.remove': '移除…',
  'gpu_pack.remove_title': '移除 GPU 组件包？',
  'gpu_pack.remove_text':
    '之后将使用处理器训练，除非在别处找到这些库。VisAIon 已加载的文件会在其关闭后删除。',
  'gpu_pack.removed': '已移除 GPU 组件包',
  'gpu_pack.verified': 'GPU 组件包的所有文件均正确',
  'gpu_pack.dialog_title': '下载 NVIDIA 的库？',
  'gpu_pack.dialog_network':
    'VisAIon 只为此次下载使用网络，不会发送您的任何内容。您也可以用磁盘带来这些文件。',
  'gpu_pack.dialog_licences':
    '这些库归 NVIDIA 所有，适用 NVIDIA 的许可，而非 VisAIon 的许可。同意前请先阅读：',
  'gpu_pack.dialog_check': '解包之前，每个文件都会用其 SHA-256 校验。',
  'gpu_pack.agree': '我已阅读并同意 NVIDIA 的许可',
  'gpu_pack.start_download': '下载',
};
