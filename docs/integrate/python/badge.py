#!/usr/bin/env python3
"""The badge of a POS screen: prints a line whenever the queue to the centre changes. Ctrl-C ends it.

    PYTHONPATH=generated python3 badge.py
"""
import os
import time

import grpc
from tillwire.v1 import capture_pb2, capture_pb2_grpc

SOCKET = os.environ.get("TILLWIRE_SOCKET", "/run/tillwire/capture.sock")
CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 200),  # an agent that was restarted is found soon
    ("grpc.max_reconnect_backoff_ms", 1000),
]


def age(seconds):
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def badge(outbox):
    parts = [f"{outbox.pending} pending"]
    if outbox.pending > 0:
        parts.append(f"oldest {age(outbox.oldest_pending_seconds)}")
    if outbox.parked > 0:
        parts.append(f"{outbox.parked} parked")  # the centre refused these for now: a person must act
    return ", ".join(parts)


def main():
    agent = capture_pb2_grpc.CaptureServiceStub(grpc.insecure_channel(f"unix:{SOCKET}", options=CHANNEL_OPTIONS))
    while True:
        try:
            # An update comes at once, then with every change. The age grows without one, so watch anew every half
            # minute.
            for update in agent.WatchEvents(capture_pb2.WatchEventsRequest(), timeout=30):
                print(badge(update.status.outbox), flush=True)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                continue
            print(f"no word from the agent: {error.details()}", flush=True)  # it is stopping, or not running
            time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
