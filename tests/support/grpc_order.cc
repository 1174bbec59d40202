// Tells ThreadSanitizer what gRPC guarantees. Debian's gRPC and absl are not instrumented, so the sanitizer
// does not see how they hand work from one thread to the next. In a build with ThreadSanitizer this library
// stands before theirs and marks these orders, and no more:
//  - a lock of absl's is taken after it was let go;
//  - what came before a batch of operations was started comes before the event with its tag is taken;
//  - what a thread did for gRPC before it takes its next event, or lets a call go, comes before the end of a
//    server or a channel.
// Whatever else two threads do to the same memory is found as everywhere else.
#include <absl/synchronization/mutex.h>
#include <dlfcn.h>
#include <grpc/grpc.h>

// ThreadSanitizer's own, as its header declares them; not every compiler that reads this file comes with it.
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace {

// Stands for everything that gRPC's threads have done.
char done_for_grpc;

// The function of that name in the library that comes after this one.
template <typename Function>
Function* InLibrary(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

namespace absl {

// Methods are called as functions with their object in front, and by the names that Debian 12's compiler
// gives them.

void Mutex::Lock() {
  static const auto in_absl = InLibrary<void(Mutex*)>("_ZN4absl7debian35Mutex4LockEv");
  in_absl(this);
  __tsan_acquire(this);
}

bool Mutex::TryLock() {
  static const auto in_absl = InLibrary<bool(Mutex*)>("_ZN4absl7debian35Mutex7TryLockEv");
  const bool locked = in_absl(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::Unlock() {
  static const auto in_absl = InLibrary<void(Mutex*)>("_ZN4absl7debian35Mutex6UnlockEv");
  __tsan_release(this);
  in_absl(this);
}

void CondVar::Wait(Mutex* mutex) {
  static const auto in_absl = InLibrary<void(CondVar*, Mutex*)>("_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  in_absl(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto in_absl = InLibrary<bool(CondVar*, Mutex*, Time)>(
      "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  __tsan_release(mutex);
  const bool late = in_absl(this, mutex, deadline);
  __tsan_acquire(mutex);
  return late;
}

}  // namespace absl

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                      void* reserved) {
  static const auto in_grpc = InLibrary<decltype(grpc_call_start_batch)>("grpc_call_start_batch");
  __tsan_release(tag);
  return in_grpc(call, ops, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline, void* reserved) {
  static const auto in_grpc = InLibrary<decltype(grpc_completion_queue_next)>("grpc_completion_queue_next");
  __tsan_release(&done_for_grpc);
  const grpc_event event = in_grpc(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag, gpr_timespec deadline,
                                       void* reserved) {
  static const auto in_grpc = InLibrary<decltype(grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  const grpc_event event = in_grpc(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

// gRPC does it last, after OnDone().
void grpc_call_unref(grpc_call* call) {
  static const auto in_grpc = InLibrary<decltype(grpc_call_unref)>("grpc_call_unref");
  __tsan_release(&done_for_grpc);
  in_grpc(call);
}

void grpc_server_destroy(grpc_server* server) {
  static const auto in_grpc = InLibrary<decltype(grpc_server_destroy)>("grpc_server_destroy");
  in_grpc(server);
  __tsan_acquire(&done_for_grpc);
}

void grpc_channel_destroy(grpc_channel* channel) {
  static const auto in_grpc = InLibrary<decltype(grpc_channel_destroy)>("grpc_channel_destroy");
  in_grpc(channel);
  __tsan_acquire(&done_for_grpc);
}

}  // extern "C"
