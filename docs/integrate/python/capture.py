#!/usr/bin/env python3
"""Cancels one order at the till, and does the right thing with every answer.

    PYTHONPATH=generated python3 capture.py ORDER_ID TRANSACTION_NUMBER [PATIENCE_SECONDS]
"""
import os
import sys
import time

import grpc
from tillwire.v1 import capture_pb2, capture_pb2_grpc, event_pb2

SOCKET = os.environ.get("TILLWIRE_SOCKET", "/run/tillwire/capture.sock")
CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 200),  # an agent that was restarted is found soon
    ("grpc.max_reconnect_backoff_ms", 1000),
]


def cancellation(order_id, transaction):
    return capture_pb2.CaptureEventRequest(
        # One key for one action, the same for every repeat of it, also after a restart of this program.
        idempotency_key=f"pos-{transaction}-cancel",
        operator_id="117",
        transaction_sequence_number=transaction,
        order_cancellation=event_pb2.OrderCancellation(
            order_id=order_id,
            scope=event_pb2.CANCELLATION_SCOPE_WHOLE_ORDER,
            initiator=event_pb2.CANCELLATION_INITIATOR_CUSTOMER,
            reason=event_pb2.CANCELLATION_REASON_CUSTOMER_REQUEST,
            release_policy=event_pb2.RELEASE_POLICY_ON_PUT_BACK,
        ),
    )


def capture(agent, request, patience):
    """Returns (exit code, text): 0 recorded, 1 or 2 not recorded by a mistake of ours, 3 not recorded, 4 unknown."""
    give_up_time = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            # On disk it takes milliseconds; the deadline is for a disk that hangs.
            answer = agent.CaptureEvent(request, timeout=5)
            return 0, f"recorded {answer.event_id}" + (" (by an earlier attempt)" if answer.repeated else "")
        except grpc.RpcError as error:
            code, text = error.code(), f"{error.code().name}: {error.details()}"
        if code == grpc.StatusCode.INVALID_ARGUMENT:  # the text names field and remedy: a mistake in this program
            return 2, f"not recorded, {text}"
        if code == grpc.StatusCode.ALREADY_EXISTS:  # this key stands for something else: another mistake
            return 1, f"not recorded, {text}"
        if code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DATA_LOSS):
            return 3, f"not recorded, {text}"  # no room, or a damaged disk: tell the associate, and call support
        # No agent, a broken connection, a deadline: it may be recorded or not. Repeat with the same key.
        if time.monotonic() + pause > give_up_time:
            return 4, f"unknown whether it is recorded, {text}"  # keep the request, and repeat it later
        print(f"no answer yet, {text}; repeating with the same key", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


def main():
    order_id, transaction = sys.argv[1:3]
    patience = float(sys.argv[3]) if len(sys.argv) > 3 else 15.0
    with grpc.insecure_channel(f"unix:{SOCKET}", options=CHANNEL_OPTIONS) as channel:
        agent = capture_pb2_grpc.CaptureServiceStub(channel)
        exit_code, text = capture(agent, cancellation(order_id, transaction), patience)
    print(text)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
