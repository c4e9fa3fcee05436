/* Stands in for the driver's NVML in tests. Three cards: one that reports everything, one that fell off the bus, one that
   reports little. On the first are the program that asks (computing), 4100 (computing and drawing) and 4200 (drawing, of
   which nothing more is known). */
#include <string.h>
#include <unistd.h>

typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } Process;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;
enum { OK = 0, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, LOST = 15 };
enum { COUNT = 3, MIG = 0, SM_CLOCK = 1 };
static const unsigned long long MIB = 1 << 20;

static unsigned status_of(void *card) { return card == (void *)1 ? OK : card == (void *)2 ? LOST : NOT_SUPPORTED; }

unsigned nvmlInit_v2(void) { return OK; }
unsigned nvmlShutdown(void) { return OK; }
unsigned nvmlSystemGetDriverVersion(char *to, unsigned size) { strncpy(to, "580.95.05", size); return OK; }
unsigned nvmlDeviceGetCount_v2(unsigned *count) { *count = COUNT; return OK; }
unsigned nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card) { *card = (void *)(long)(index + 1); return OK; }

unsigned nvmlDeviceGetName(void *card, char *to, unsigned size) {
  strncpy(to, card == (void *)1 ? "NVIDIA RTX 4060" : "NVIDIA T400", size);
  return OK;
}
unsigned nvmlDeviceGetUUID(void *card, char *to, unsigned size) { strncpy(to, "GPU-01", size); return status_of(card); }
unsigned nvmlDeviceGetMemoryInfo_v2(void *card, Memory *to) {
  to->total = 8192 * MIB;
  to->used = 5300 * MIB;
  return card == (void *)3 ? NO_PERMISSION : status_of(card);
}
unsigned nvmlDeviceGetUtilizationRates(void *card, unsigned *to) { to[0] = 91; to[1] = 40; return status_of(card); }
unsigned nvmlDeviceGetTemperature(void *card, unsigned sensor, unsigned *to) { *to = 67; return status_of(card); }
unsigned nvmlDeviceGetPowerUsage(void *card, unsigned *to) { *to = 109500; return status_of(card); }
unsigned nvmlDeviceGetEnforcedPowerLimit(void *card, unsigned *to) { *to = 115000; return status_of(card); }
unsigned nvmlDeviceGetClockInfo(void *card, unsigned clock, unsigned *to) {
  *to = clock == SM_CLOCK ? 2460 : 0;
  return status_of(card);
}
unsigned nvmlDeviceGetMaxClockInfo(void *card, unsigned clock, unsigned *to) {
  *to = clock == SM_CLOCK ? 3105 : 0;
  return status_of(card);
}
unsigned nvmlDeviceGetMigMode(void *card, unsigned *now, unsigned *later) {
  *now = *later = MIG;
  return MIG ? OK : NOT_SUPPORTED;
}

static unsigned give(void *card, unsigned *count, Process *to, const Process *all, unsigned n) {
  if (card != (void *)1) return NO_PERMISSION;
  if (*count < n) { *count = n; return INSUFFICIENT_SIZE; }
  *count = n;
  memcpy(to, all, n * sizeof *all);
  return OK;
}
unsigned nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *count, Process *to) {
  Process all[2] = {{getpid(), 700 * MIB, -1, -1}, {4100, 4096 * MIB, -1, -1}};
  return give(card, count, to, all, 2);
}
unsigned nvmlDeviceGetGraphicsRunningProcesses_v3(void *card, unsigned *count, Process *to) {
  Process all[2] = {{4200, -1ULL, -1, -1}, {4100, 4096 * MIB, -1, -1}};
  return give(card, count, to, all, 2);
}
unsigned nvmlSystemGetProcessName(unsigned pid, char *to, unsigned size) {
  if (pid != 4100) return NOT_FOUND;
  strncpy(to, "/usr/bin/python3 -m train", size);
  return OK;
}
